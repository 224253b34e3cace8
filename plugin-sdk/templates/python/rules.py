"""The rules themselves: no host, so tests call them directly."""

FIELDS = ["first_name", "last_name", "emails", "phones", "company", "job_title"]


def completeness(filled: set[str]) -> int:
    """The share of these fields that is filled in, in percent."""
    return len(filled & set(FIELDS)) * 100 // len(FIELDS)


def refusal(settings: dict, filled: set[str]) -> str | None:
    """Why a person may not be saved, if so."""
    if settings["need_name"] and not filled & {"first_name", "last_name"}:
        return "write a first or a last name"
    return None
