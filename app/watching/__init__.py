"""Running logs under a folder: each alarm is announced once, also after a restart."""
