"""Files of events into rows of the lake: opened, cut into records, read as canonical values, refused with a reason."""
