"""Jobs: what the devices say that their spends were for."""
