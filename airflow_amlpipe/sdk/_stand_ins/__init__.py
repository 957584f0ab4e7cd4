"""Which packages came with SDK v1 and are named by its scripts? Stand-ins for what scripts catch, found where the packages are not installed."""
