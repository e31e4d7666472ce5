"""Persons, memberships and sessions in one partition a person; addresses are unique items."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, check, epoch
from chalicelib.adapters.dynamo.failures import ConditionFailed, TransactionFailed
from chalicelib.adapters.dynamo.steps import Delete, Put, Step, Update
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import OrgId, PartnerId, PersonId
from chalicelib.domain.people import Account, Colleague, Membership, Person, Role, Session

PERSON = Kind(Person, "person")
MEMBERSHIP = Kind(Membership, "membership")
SESSION = Kind(Session, "session")
COLLEAGUE = Kind(Colleague, "colleague")
ADDRESS = "address"
"""The item that keeps an address unique and finds its person."""


class DynamoPeople:
    """See ``ports.workflow.People``."""

    def __init__(self, table: Table, org: OrgId) -> None:
        self._table = table
        self._org = org

    def account(self, person: PersonId) -> Account:
        """One consistent query: a session that was ended must not be seen again."""
        items = list(self._table.query(keys.person(self._org, person), consistent=True))
        found = [PERSON.read(item) for item in items if item["sk"] == "PERSON"]
        if not found:
            raise NotFound("no such person")
        return Account(
            found[0],
            tuple(MEMBERSHIP.read(item) for item in items if item["sk"].startswith("MEM#")),
            tuple(SESSION.read(item) for item in items if item["sk"].startswith("SES#")),
        )

    def find(self, address: str) -> PersonId | None:
        """By the hash of the normalised address."""
        item = self._table.get(self._address_key(address), "ADDR")
        if item is None:
            return None
        check(item, ADDRESS, 1)
        return PersonId(str(item["person"]))

    def add(self, person: Person, memberships: Sequence[Membership]) -> None:
        """Person, address and memberships in one transaction."""
        pk = keys.person(self._org, person.id)
        address: Item = {
            "pk": self._address_key(person.address), "sk": "ADDR", "type": ADDRESS, "v": 1, "person": person.id,
        }
        steps: list[Step] = [
            Put(PERSON.item(person, pk, "PERSON"), ex.absent("pk")),
            Put(address, ex.absent("pk")),
            *(Put(self._membership(membership)) for membership in memberships),
            *(Put(self._colleague(person, one.role)) for one in memberships if one.partner is None),
        ]
        try:
            self._table.transact(steps)
        except TransactionFailed:
            raise Conflict("person.exists") from None

    def save(self, person: Person, *, expected_generation: int) -> None:
        """Replaces the person; the address stays, because another item keeps it unique."""
        item = PERSON.item(person, keys.person(self._org, person.id), "PERSON")
        unchanged = ex.all_of(ex.equals("generation", expected_generation), ex.equals("address", person.address))
        try:
            self._table.put(item, condition=unchanged)
        except ConditionFailed as failed:
            if failed.was_ours(item):
                return
            if failed.item is None:
                raise NotFound("no such person") from None
            raise Conflict("person.changed") from None

    def grant(self, membership: Membership) -> None:
        """Writes the membership and raises the person's generation, which ends sessions and links."""
        steps: list[Step] = [Put(self._membership(membership)), self._raise_generation(membership.person)]
        if membership.partner is None:
            steps.append(Put(self._colleague(self.account(membership.person).person, membership.role)))
        try:
            self._table.transact(steps)
        except TransactionFailed:
            raise NotFound("no such person") from None

    def describe(self, membership: Membership) -> None:
        """Replaces the item on condition that there is one: a role that was taken away does not come back."""
        try:
            self._table.put(self._membership(membership), condition=ex.present("pk"))
        except ConditionFailed:
            raise NotFound("no such membership") from None

    def revoke(self, person: PersonId, role: Role, partner: PartnerId | None) -> None:
        """The membership, its line in the list and the generation in one transaction."""
        sk = self._membership_sk(partner or self._org, role)
        steps: list[Step] = [
            Delete(keys.person(self._org, person), sk, ex.present("pk")), self._raise_generation(person),
        ]
        if partner is None:
            steps.append(Delete(self._colleagues(), f"{keys.part(person)}#{role.value}"))
        try:
            self._table.transact(steps)
        except TransactionFailed:
            raise NotFound("no such membership") from None

    def colleagues(self) -> Sequence[Colleague]:
        """In the order in which the people were added."""
        return [COLLEAGUE.read(item) for item in self._table.query(self._colleagues(), consistent=True)]

    def start_session(self, session: Session) -> None:
        """DynamoDB deletes it some time after its expiry; readers look at ``expires_at``."""
        pk, sk = keys.person(self._org, session.person), f"SES#{keys.part(session.secret_hash)}"
        self._table.put(SESSION.item(session, pk, sk, ttl=epoch(session.expires_at)))

    def end_session(self, person: PersonId, secret_hash: str) -> None:
        """Deletes the item."""
        self._table.delete(keys.person(self._org, person), f"SES#{keys.part(secret_hash)}")

    def _address_key(self, address: str) -> str:
        return keys.org(self._org, "ADDR", keys.sha256(address))

    def _colleagues(self) -> str:
        return keys.org(self._org, "PEOPLE")

    def _colleague(self, person: Person, role: Role) -> Item:
        line = Colleague(person=person.id, role=role, name=person.name, address=person.address)
        return COLLEAGUE.item(line, self._colleagues(), f"{keys.part(person.id)}#{role.value}")

    def _raise_generation(self, person: PersonId) -> Update:
        return Update(keys.person(self._org, person), "PERSON", [ex.add("generation", 1)], ex.present("pk"))

    def _membership(self, membership: Membership) -> Item:
        sk = self._membership_sk(membership.partner or membership.org, membership.role)
        return MEMBERSHIP.item(membership, keys.person(self._org, membership.person), sk)

    def _membership_sk(self, where: str, role: Role) -> str:
        return f"MEM#{keys.part(where)}#{role.value}"
