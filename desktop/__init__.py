"""The installed app and the headless command `reely`."""

__version__ = "0.1.0"
