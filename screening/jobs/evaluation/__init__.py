"""The parts of `winnow evaluate`: the past played again, what is true, the methods beside, figures, the page."""
