"""The same deployment on moto and on the local emulator, for the contract suite."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import count

from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import Keys
from chalicelib.adapters.schema import Names, ensure
from chalicelib.domain.ids import OrgId, PartnerId, base32
from chalicelib.settings import Settings, Surface
from chalicelib.wiring import Container
from infra.local.emulator import REGION
from tests.contract.recorder import Recorder
from tests.fakes.system import FakeClock, FakeEntropy
from tests.fakes.world import ORG
from tests.isolation.judge import administrator

SETTINGS = Settings(
    app="countersign", stage="test", org_id=ORG, org_name="Fjord Bikes",
    base_url="https://partners.example.com", hq_base_url="https://hq.example.com", surface=Surface.ALL,
    bucket="countersign-test-data", kms_key="alias/countersign", secret="5e" * 32,
    partner_role="arn:aws:iam::000000000000:role/partner", review_role="arn:aws:iam::000000000000:role/review",
    mail_from="countersign@mail.example.com", configuration_set="countersign", region=REGION,
    media_url="https://media.example.com",
)
_numbers = count(1)


def number() -> int:
    """A number that no test of this process had before."""
    return next(_numbers)


def own_keys() -> Keys:
    """What the functions sign with."""
    return Keys("test", "test", None, None)


def _clients(endpoint: str) -> tuple[Clients, Clients, Recorder]:
    """Clients that set up, those of the containers, and who records what these send; made once, which takes long."""
    setup, clients = (Clients(REGION, endpoint=endpoint, own=own_keys) for _ in range(2))
    recorder = Recorder(SETTINGS.app, SETTINGS.stage, SETTINGS.bucket)
    recorder.attach(clients.session)
    return setup, clients, recorder


@cache
def _clients_of_moto() -> tuple[Clients, Clients, Recorder]:
    return _clients("")


class Backend:
    """A place where the deployment's resources exist; each test gets a container of its own org."""

    def __init__(self, endpoint: str, account: str) -> None:
        self.endpoint = endpoint
        self.account = account
        # Where a server stood, another may stand later; moto answers whatever clients there are.
        setup, self._clients, self._recorder = _clients(endpoint) if endpoint else _clients_of_moto()
        with administrator():
            ensure(setup, Names(SETTINGS.app, SETTINGS.stage, SETTINGS.bucket))
            self.kms_key = str(setup.get("kms").create_key()["KeyMetadata"]["KeyId"])

    def container(self, clock: FakeClock) -> tuple[Container, Recorder]:
        """A container whose org no other test has, and the recorder of all its calls."""
        self._recorder.calls.clear()
        settings = replace(
            SETTINGS, org_id=OrgId(f"org_{base32(number())}"), endpoint=self.endpoint, kms_key=self.kms_key,
            partner_role=f"arn:aws:iam::{self.account}:role/partner",
            review_role=f"arn:aws:iam::{self.account}:role/review",
        )
        made = Container(settings, clock=clock, entropy=FakeEntropy(number()), clients=self._clients)
        return made, self._recorder


def new_partner() -> PartnerId:
    """A partner that no other test has."""
    return PartnerId(f"prt_{base32(number())}")
