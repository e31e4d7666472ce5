"""What SES answers when it refuses a call.

Source: the errors of the SES API v2 reference. The wire form is AWS's ``rest-json``: an HTTP
status, the header ``x-amzn-ErrorType`` and a body ``{"message": ...}``.
"""

from __future__ import annotations


class SesError(Exception):
    """A refusal with SES's error code, HTTP status and sentence."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def bad_request(message: str) -> SesError:
    """The input is invalid."""
    return SesError("BadRequestException", 400, message)


def rejected(message: str) -> SesError:
    """The message cannot be sent, because of its sender or its content."""
    return SesError("MessageRejected", 400, message)


def not_found(message: str) -> SesError:
    """A resource of that name does not exist."""
    return SesError("NotFoundException", 404, message)


def already_exists(message: str) -> SesError:
    """A resource of that name exists."""
    return SesError("AlreadyExistsException", 400, message)


def throttled(message: str = "Maximum sending rate exceeded.") -> SesError:
    """More was asked for than the account may send now; nothing of the call was done."""
    return SesError("TooManyRequestsException", 429, message)


def paused(message: str) -> SesError:
    """Sending is switched off for the account or the configuration set."""
    return SesError("SendingPausedException", 400, message)


def mail_from_not_verified(identity: str) -> SesError:
    """The identity's custom MAIL FROM domain failed, and it says to reject then."""
    return SesError(
        "MailFromDomainNotVerifiedException",
        400,
        f"The custom MAIL FROM domain of {identity} is not verified, and the identity rejects mail then.",
    )


def no_signature(message: str) -> SesError:
    """The call carries no signature at all; which one it is does not matter here."""
    return SesError("MissingAuthenticationTokenException", 403, message)


def internal(status: int = 500) -> SesError:
    """A fault that was asked for, see ``faults``."""
    return SesError("InternalFailure", status, "An internal failure occurred (this one was asked for).")
