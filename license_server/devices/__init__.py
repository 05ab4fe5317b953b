"""Devices: the installations of the app that an account uses, each with a key of its own."""
