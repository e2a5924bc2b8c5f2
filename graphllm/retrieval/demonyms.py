"""The country that an adjective speaks of: "German" customers are those of Germany."""

from functools import lru_cache

# An adjective, then what its country may be called; general knowledge of the language.
_ADJECTIVES = """
afghan: afghanistan | albanian: albania | algerian: algeria
american: usa, united states, us, united states of america | angolan: angola
argentine: argentina | argentinian: argentina | armenian: armenia | australian: australia
austrian: austria | azerbaijani: azerbaijan | bangladeshi: bangladesh | belarusian: belarus
belgian: belgium | bolivian: bolivia | bosnian: bosnia and herzegovina | brazilian: brazil
british: uk, united kingdom, great britain, britain | bulgarian: bulgaria | cambodian: cambodia
cameroonian: cameroon | canadian: canada | chilean: chile | chinese: china | colombian: colombia
congolese: congo | costa rican: costa rica | croatian: croatia | cuban: cuba | cypriot: cyprus
czech: czech republic, czechia | danish: denmark | dutch: netherlands, the netherlands, holland
ecuadorian: ecuador | egyptian: egypt | emirati: united arab emirates, uae | english: england
eritrean: eritrea | estonian: estonia | ethiopian: ethiopia | fijian: fiji
filipino: philippines | finnish: finland | french: france | georgian: georgia | german: germany
ghanaian: ghana | greek: greece | guatemalan: guatemala | haitian: haiti | honduran: honduras
hungarian: hungary | icelandic: iceland | indian: india | indonesian: indonesia | iranian: iran
iraqi: iraq | irish: ireland | israeli: israel | italian: italy | jamaican: jamaica
japanese: japan | jordanian: jordan | kazakh: kazakhstan | kenyan: kenya
korean: south korea, korea, republic of korea | kuwaiti: kuwait | latvian: latvia
lebanese: lebanon | liberian: liberia | libyan: libya | lithuanian: lithuania
malaysian: malaysia | maltese: malta | mexican: mexico | moldovan: moldova | mongolian: mongolia
moroccan: morocco | mozambican: mozambique | namibian: namibia | nepalese: nepal
new zealand: new zealand | nicaraguan: nicaragua | nigerian: nigeria | norwegian: norway
omani: oman | pakistani: pakistan | panamanian: panama | paraguayan: paraguay | peruvian: peru
polish: poland | portuguese: portugal | qatari: qatar | romanian: romania
russian: russia, russian federation | rwandan: rwanda | saudi: saudi arabia | scottish: scotland
senegalese: senegal | serbian: serbia | singaporean: singapore | slovak: slovakia
slovenian: slovenia | somali: somalia | south african: south africa | spanish: spain
sri lankan: sri lanka | sudanese: sudan | swedish: sweden | swiss: switzerland | syrian: syria
taiwanese: taiwan | tanzanian: tanzania | thai: thailand | tunisian: tunisia | turkish: turkey
ugandan: uganda | ukrainian: ukraine | uruguayan: uruguay | uzbek: uzbekistan
venezuelan: venezuela | vietnamese: vietnam | welsh: wales | yemeni: yemen | zambian: zambia
zimbabwean: zimbabwe
"""


@lru_cache(maxsize=1)
def _countries() -> dict[str, tuple[str, ...]]:
    entries = (entry for line in _ADJECTIVES.strip().splitlines() for entry in line.split(" | "))
    pairs = (entry.split(": ") for entry in entries)
    return {adjective: tuple(names.split(", ")) for adjective, names in pairs}


def countries(adjective: str) -> tuple[str, ...]:
    """Return what the country of a folded adjective may be called, the usual names first.

    Examples:
        >>> countries("german"), countries("south african"), countries("american")[:2]
        (('germany',), ('south africa',), ('usa', 'united states'))
        >>> countries("blue")
        ()
    """
    return _countries().get(adjective, ())
