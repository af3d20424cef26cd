"""The far end of calls: a process that carries the audio of handsets, with what the line does to it.

It speaks to three others. The network (`office`), which started it, tells it who calls whom and keeps what became of
it. The legs of a server, which come over TCP with JSON lines and have their media over RTP. And speech engines, which
whoever starts the process puts in (`ringback.exchange`).
"""
