"""What the stack makes of images: one prefix for everybody, through CloudFront, never replaced."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.package
MEDIA = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/MEDIA/*"}


def statements(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The bucket's policy by the names of its statements."""
    policy = template["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"]
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_the_bucket_stays_closed(template: dict[str, Any]) -> None:
    """Public access is blocked in all four ways; the only grant is CloudFront's, for one distribution and prefix."""
    blocked = template["Resources"]["DataBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True} and len(blocked) == 4
    allowed = [s for s in statements(template).values() if s["Effect"] == "Allow"]
    assert [(s["Principal"], s["Action"], s["Resource"]) for s in allowed] == [
        ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject", MEDIA)]
    assert "${Media}" in str(allowed[0]["Condition"]["StringEquals"]["aws:SourceArn"])


def test_no_image_is_replaced(template: dict[str, Any]) -> None:
    """A write below the prefix without ``If-None-Match`` is denied to everybody."""
    guard = statements(template)["NoImageIsReplaced"]
    assert (guard["Effect"], guard["Principal"], guard["Action"], guard["Resource"]) == (
        "Deny", "*", "s3:PutObject", MEDIA)
    assert guard["Condition"]["Null"] == {"s3:if-none-match": "true"}


def test_the_distribution_shows_images_only(template: dict[str, Any]) -> None:
    """Its origin is the prefix, it only reads, it insists on https, and a browser never takes an image for a page."""
    resources = template["Resources"]
    config = resources["Media"]["Properties"]["DistributionConfig"]
    origin, = config["Origins"]
    assert origin["OriginPath"] == "/MEDIA" and "OriginAccessControlId" in origin
    behaviour = config["DefaultCacheBehavior"]
    assert behaviour["AllowedMethods"] == ["GET", "HEAD"] and behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
    headers = resources["MediaHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["ContentTypeOptions"]["Override"] is True
    assert headers["ContentSecurityPolicy"]["ContentSecurityPolicy"] == "default-src 'none'; sandbox"


def test_uploaded_files_are_deleted(template: dict[str, Any]) -> None:
    """What came from people, with its metadata, is kept for a day, former versions too."""
    rules = {r["Id"]: r for r in template["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert (rules["uploads"]["Prefix"], rules["uploads"]["ExpirationInDays"]) == ("UPLOADS/", 1)
    assert rules["uploads"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
