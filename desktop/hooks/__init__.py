"""Why a moment is worth cutting: transcript, signals, candidates, ranking. Qt-free; knows no account."""
