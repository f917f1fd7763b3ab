"""The software bill of materials in CycloneDX: what is delivered, by name, version, digest and licence."""

from collections.abc import Iterable, Mapping

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy.supply.components import Component

NAME = "vaccine-community-connectors"


def make(components: Iterable[Component], licences: Mapping[str, str], version: str) -> str:
    """CycloneDX 1.6 as JSON. Tools of development are told as excluded. A package of several files has the digest of
    each as a property: a component can't say which of them an installation took."""
    bom = Bom()
    root = BomComponent(name=NAME, version=version, type=ComponentType.APPLICATION, bom_ref=NAME)
    bom.metadata.component = root
    made = [_component(component, licences.get(component.name)) for component in components]
    for entry in made:
        bom.components.add(entry)
    bom.register_dependency(root, made)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


def _component(one: Component, licence: str | None) -> BomComponent:
    group, _, artifact = one.name.rpartition(":")
    single = one.sha256[0] if len(one.sha256) == 1 else None
    return BomComponent(
        name=artifact,
        group=group or None,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=one.purl,
        purl=PackageURL.from_string(one.purl),
        scope=ComponentScope.EXCLUDED if one.scope == "development" else ComponentScope.REQUIRED,
        licenses=[LicenseExpression(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=single)] if single else [],
        properties=[Property(name="vcc:scope", value=one.scope)]
        + [Property(name="vcc:file-sha256", value=digest) for digest in one.sha256 if single is None],
    )
