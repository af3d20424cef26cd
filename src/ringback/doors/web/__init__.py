"""The door of web calls: the WebSocket that a page opens, and the module that it opens it with."""
