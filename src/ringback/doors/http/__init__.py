"""HTTP/1.1 below the applications: connections, their limits, and refusals before an application hears of a request."""
