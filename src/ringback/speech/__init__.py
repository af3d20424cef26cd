"""Speech: text made audible and audio made text, by engines that live in a process of their own."""
