"""The waveform of a source's sound: computed once in a child process, kept in the cache."""
