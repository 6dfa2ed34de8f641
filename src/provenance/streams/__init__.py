"""`streams` has the values that come in parts: a stream knows its chunks, and reads each when it is used."""
