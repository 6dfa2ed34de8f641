"""What leaves the store and what comes in: pure functions from a closure to text, and the functions that users call."""
