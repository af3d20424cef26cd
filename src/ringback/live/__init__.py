"""Wake-ups and fan-out. Nothing durable hangs on them: a lost one costs latency only."""
