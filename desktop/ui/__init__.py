"""The window: pixels and input. It reaches the rest of the app through `desktop.ui.ports` alone.

Entry point: `desktop.ui.application.run(ports, home, initial_text)`.
"""
