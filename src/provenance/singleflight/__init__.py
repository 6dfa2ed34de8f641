"""`singleflight` lets one caller compute while the others wait."""
