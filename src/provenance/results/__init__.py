"""`results` is what a call returns: values that know where they come from."""
