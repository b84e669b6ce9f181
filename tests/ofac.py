"""A small list in the shape of OFAC's sdn_enhanced.xml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

NAMESPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ENHANCED_XML"


def entity(key: int, name: str, addresses: Iterable[tuple[str, str]], program: str = "CYBER2") -> str:
    """An entity with an alias, a birthdate and the addresses of these tickers."""
    features = "".join(
        f'<feature id="{key}{number}"><type featureTypeId="{300 + number}">Digital Currency Address - {ticker}</type>'
        f"<versionId>{number}</versionId><value>{address}</value><isPrimary>false</isPrimary></feature>"
        for number, (ticker, address) in enumerate(addresses)
    )
    return f"""
    <entity id="{key}">
      <generalInfo><identityId>{key}</identityId><entityType refId="600">Individual</entityType></generalInfo>
      <sanctionsLists>
        <sanctionsList refId="1550" id="1" datePublished="2018-11-28">SDN List</sanctionsList></sanctionsLists>
      <sanctionsPrograms><sanctionsProgram refId="1" id="2">{program}</sanctionsProgram></sanctionsPrograms>
      <names>
        <name id="2"><isPrimary>false</isPrimary><aliasType refId="1400">A.K.A.</aliasType>
          <translations><translation id="4"><isPrimary>true</isPrimary>
            <formattedFullName>Somebody Else</formattedFullName></translation></translations></name>
        <name id="1"><isPrimary>true</isPrimary>
          <translations>
            <translation id="3"><isPrimary>false</isPrimary><script refId="20123">Arabic</script>
              <formattedFullName>\u0644\u0627</formattedFullName></translation>
            <translation id="5"><isPrimary>true</isPrimary><script refId="20122">Latin</script>
              <formattedFullName>{escape(name)}</formattedFullName></translation>
          </translations></name>
      </names>
      <features>
        <feature id="{key}99"><type featureTypeId="8">Birthdate</type><value>1951</value></feature>{features}
      </features>
    </entity>"""


def written(folder: Path, date: str, entities: Iterable[str], name: str = "sdn_enhanced.xml") -> Path:
    """The list as a file, as of a date."""
    path = folder / name
    path.write_text(
        f"""<?xml version="1.0" encoding="utf-8"?>
<sanctionsData xmlns="{NAMESPACE}">
  <publicationInfo><dataAsOf>{date}T00:00:00-04:00</dataAsOf></publicationInfo>
  <referenceValues>
    <referenceValue refId="1550"><type>List</type><value>SDN List</value></referenceValue></referenceValues>
  <featureTypes>
    <featureType featureTypeId="345"><type>Digital Currency Address - ETH</type></featureType></featureTypes>
  <entities>{"".join(entities)}
  </entities>
</sanctionsData>
""",
        encoding="utf-8",
    )
    return path
