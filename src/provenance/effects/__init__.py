"""The interpreters: ordinary classes that touch the world, one module a backend, strangers to each other."""
