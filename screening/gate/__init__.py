"""Pure: evidence and policy to Pay, Hold or Reject, with reasons."""
