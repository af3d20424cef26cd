"""What the caller has said since the agent last had the word, until it becomes a turn."""

from ringback.voice.talk.book import Book
from ringback.voice.talk.reply import least


class CallersTurn:
    """Words and keys that are no turn yet. Times are ms since the answer."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.keys = ""
        self.confidence: float | None = None
        self._speech: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.words or self.keys)

    @property
    def text(self) -> str:
        """All of it, the keys at its end."""
        return " ".join([*self.words, *([self.keys] if self.keys else [])])

    def add(self, text: str, confidence: float | None, started_ms: int, ended_ms: int) -> None:
        """An utterance more."""
        self.words.append(text)
        self.confidence = least(self.confidence, confidence)
        started = self._speech[0] if self._speech else max(0, started_ms)
        self._speech = (started, max(0, ended_ms))

    def began_ms(self, book: Book) -> int:
        """When the speech in it began; now if there is none."""
        return self._speech[0] if self._speech else book.ms()

    def end_ms(self, book: Book) -> int:
        """When the speech in it ended; now if there is none."""
        return self._speech[1] if self._speech else book.ms()

    def put_down(self, book: Book, turn_id: str) -> str:
        """Write it into the book and begin anew; answers its text."""
        text = self.text
        started, ended = self._speech or (book.ms(), book.ms())
        book.note("user", turn_id, text, started_ms=started, ended_ms=ended, confidence=self.confidence)
        self.words.clear()
        self.keys, self.confidence, self._speech = "", None, None
        return text
