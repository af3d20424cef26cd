"""What can be wrong with a contact."""

from ringback.kit.faults import Conflict, NotFound


class ContactNotFound(NotFound):
    """There is no such contact, or it is not yours."""

    code = "CONTACT_NOT_FOUND"


class ContactExists(Conflict):
    """The account has a contact with this number already."""

    code = "CONTACT_EXISTS"
