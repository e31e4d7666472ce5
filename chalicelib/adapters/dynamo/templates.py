"""Template versions: a summary item that is put once, and the version itself as a blob.

The blob is named by the hash of its bytes and written first: of two who publish the same number
at once one gets a Conflict, and neither can change what the other published.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind, plain
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.kept import Kept
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.ids import OrgId, TemplateId
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.ports.system import Blobs, Clock

SUMMARY = Kind(TemplateSummary, "template")
VERSION = Kind(TemplateVersion, "template_version")
CACHED = 16
"""Versions kept in memory; they are immutable, and some 100 KB each."""


class DynamoTemplates:
    """See ``ports.workflow.Templates``."""

    def __init__(self, table: Table, blobs: Blobs, org: OrgId, clock: Clock) -> None:
        self._table = table
        self._kept = Kept(clock, self.list)
        self._blobs = blobs
        self._pk = keys.org(org, "TPL")
        self._cache: OrderedDict[tuple[TemplateId, int], TemplateVersion] = OrderedDict()

    def publish(self, version: TemplateVersion) -> None:
        """Blob first, then the summary on the condition that the number is free."""
        data = _encode(version)
        sha256 = hashlib.sha256(data).hexdigest()
        summary = TemplateSummary(
            template=version.template, number=version.number, name=version.name, language=version.language,
            regions=len(version.regions), published_at=version.published_at, family=version.family,
        )
        item = SUMMARY.item(summary, self._pk, _sort_key(version.template, version.number), sha256=sha256)
        self._blobs.put(None, _blob_key(version.template, version.number, sha256), data, "application/json")
        try:
            self._table.put(item, condition=ex.absent("pk"))
        except ConditionFailed as failed:
            if not failed.was_ours(item):
                raise Conflict("template.version_exists", number=version.number) from None
        self._kept.forget()

    def get(self, template: TemplateId, number: int) -> TemplateVersion:
        """Raises Permanent if the blob is not the one that was published."""
        known = self._cache.get((template, number))
        if known is not None:
            return known
        item = self._table.get(self._pk, _sort_key(template, number), consistent=True)
        if item is None:
            raise NotFound("no such template version")
        version = self._load(template, number, item)
        self._cache[template, number] = version
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return version

    def recent(self) -> Sequence[TemplateSummary]:
        """Kept by a warm function."""
        return self._kept.get()

    def list(self) -> Sequence[TemplateSummary]:
        """By the time of publishing, newest first."""
        summaries = [SUMMARY.read(item) for item in self._table.query(self._pk, consistent=True)]
        return sorted(summaries, key=lambda s: (s.published_at, s.template, s.number), reverse=True)

    def _load(self, template: TemplateId, number: int, item: Item) -> TemplateVersion:
        sha256 = str(item.get("sha256", ""))
        data = self._blobs.get(None, _blob_key(template, number, sha256))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Permanent("a published template version was changed in the store")
        return _decode(data)


def _encode(version: TemplateVersion) -> bytes:
    import msgspec

    fields = VERSION.item(version, "", "")
    return msgspec.json.encode({name: plain(value) for name, value in fields.items() if name not in ("pk", "sk")})


def _decode(data: bytes) -> TemplateVersion:
    import msgspec

    try:
        fields = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise Permanent(f"a stored template version is damaged: {error}") from None
    return VERSION.read(fields)


def _sort_key(template: TemplateId, number: int) -> str:
    return f"{keys.part(template)}#{number:06d}"


def _blob_key(template: TemplateId, number: int, sha256: str) -> str:
    return f"ORG/templates/{keys.part(template)}/{number:06d}-{sha256}.json"
