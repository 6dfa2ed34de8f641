"""Questions about history: how two artifacts differ, whether a result comes out again, which results are stale.

Answers are frozen records; asking changes no repository.
"""
