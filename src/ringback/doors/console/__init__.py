"""The console: pages for people, rendered here, kept live over one WebSocket each (docs/console.md)."""
