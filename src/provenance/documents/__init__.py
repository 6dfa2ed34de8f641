"""JSON documents about what is stored, the same for the command line and the web page, and their words."""
