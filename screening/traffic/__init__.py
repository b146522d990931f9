"""Event files into the lake, and the lake through the judges."""
