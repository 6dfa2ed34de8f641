"""The local web page: what is stored, as pages that only read.

`pages` makes the content of each page from a repository, `rendering` turns it into HTML, `app` serves
it and guards the door, and `static` writes the same pages as files. No value that could execute code
is decoded (`previews`).
"""
