"""Markup: HTML elements from texts; what is no element itself is escaped, so nothing from a file becomes markup."""

import html

Attribute = str | int | float | bool | None
KEPT = "\n\u200d"
"""Unprintable characters with a right to stay: line ends, and what joins the parts of one emoji."""


class Html(str):
    """Markup as it stands."""

    __slots__ = ()


EMPTY = Html("")
_VOID = {"img", "input", "meta", "br"}


def plain(text: object) -> str:
    """The text without control characters or marks that turn the direction of writing: they are shown instead."""
    return "".join(
        char if char.isprintable() or char in KEPT else char.encode("unicode_escape", "replace").decode()
        for char in str(text)
    )


def escaped(content: object) -> Html:
    """Markup as it stands, anything else as text."""
    return content if isinstance(content, Html) else Html(html.escape(plain(content)))


def join(parts: list[Html]) -> Html:
    """One after the other."""
    return Html("".join(parts))


def element(name: str, /, *content: object, **attributes: Attribute) -> Html:
    """An element; ``class_`` is the attribute class, other underscores are hyphens, and None leaves one out."""
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    start = f"<{name}{opening}>"
    return Html(start if name in _VOID else f"{start}{''.join(map(escaped, content))}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(plain(value))}"'
