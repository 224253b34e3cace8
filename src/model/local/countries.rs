//! ISO 3166-1 countries: every code with its English name, and the names that address books use in other languages.

/// The alpha-2 code of a country given by code or name.
pub fn find(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.len() == 2 {
        let code = text.to_ascii_uppercase();
        // The two codes that people write and ISO reserves for the same places.
        let code = match code.as_str() {
            "UK" => "GB",
            "EL" => "GR",
            other => other,
        };
        return TABLE.iter().map(|(known, _)| *known).find(|known| *known == code);
    }
    if text.is_empty() || text.len() > 80 {
        return None;
    }
    let name = folded(text);
    let english = TABLE.iter().find(|(_, known)| folded(known) == name).map(|(code, _)| *code);
    english.or_else(|| {
        OTHER_NAMES.iter().find(|(_, names)| names.split('|').any(|known| folded(known) == name)).map(|(code, _)| *code)
    })
}

/// The English name of a code.
pub fn name(code: &str) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// Lower case without points, hyphens and a leading article.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase().replace(['.', '-', '’', '\''], " ");
    let words: Vec<&str> = lower.split_whitespace().filter(|word| !matches!(*word, "the" | "of" | "and")).collect();
    words.join(" ")
}

const TABLE: &[(&str, &str)] = &[
    ("AD", "Andorra"), ("AE", "United Arab Emirates"), ("AF", "Afghanistan"), ("AG", "Antigua and Barbuda"), ("AI", "Anguilla"),
    ("AL", "Albania"), ("AM", "Armenia"), ("AO", "Angola"), ("AQ", "Antarctica"), ("AR", "Argentina"), ("AS", "American Samoa"),
    ("AT", "Austria"), ("AU", "Australia"), ("AW", "Aruba"), ("AX", "Åland Islands"), ("AZ", "Azerbaijan"),
    ("BA", "Bosnia and Herzegovina"), ("BB", "Barbados"), ("BD", "Bangladesh"), ("BE", "Belgium"), ("BF", "Burkina Faso"),
    ("BG", "Bulgaria"), ("BH", "Bahrain"), ("BI", "Burundi"), ("BJ", "Benin"), ("BL", "Saint Barthélemy"), ("BM", "Bermuda"),
    ("BN", "Brunei"), ("BO", "Bolivia"), ("BQ", "Caribbean Netherlands"), ("BR", "Brazil"), ("BS", "Bahamas"), ("BT", "Bhutan"),
    ("BV", "Bouvet Island"), ("BW", "Botswana"), ("BY", "Belarus"), ("BZ", "Belize"), ("CA", "Canada"), ("CC", "Cocos Islands"),
    ("CD", "Democratic Republic of the Congo"), ("CF", "Central African Republic"), ("CG", "Congo"), ("CH", "Switzerland"),
    ("CI", "Ivory Coast"), ("CK", "Cook Islands"), ("CL", "Chile"), ("CM", "Cameroon"), ("CN", "China"), ("CO", "Colombia"),
    ("CR", "Costa Rica"), ("CU", "Cuba"), ("CV", "Cape Verde"), ("CW", "Curaçao"), ("CX", "Christmas Island"), ("CY", "Cyprus"),
    ("CZ", "Czechia"), ("DE", "Germany"), ("DJ", "Djibouti"), ("DK", "Denmark"), ("DM", "Dominica"), ("DO", "Dominican Republic"),
    ("DZ", "Algeria"), ("EC", "Ecuador"), ("EE", "Estonia"), ("EG", "Egypt"), ("EH", "Western Sahara"), ("ER", "Eritrea"),
    ("ES", "Spain"), ("ET", "Ethiopia"), ("FI", "Finland"), ("FJ", "Fiji"), ("FK", "Falkland Islands"), ("FM", "Micronesia"),
    ("FO", "Faroe Islands"), ("FR", "France"), ("GA", "Gabon"), ("GB", "United Kingdom"), ("GD", "Grenada"), ("GE", "Georgia"),
    ("GF", "French Guiana"), ("GG", "Guernsey"), ("GH", "Ghana"), ("GI", "Gibraltar"), ("GL", "Greenland"), ("GM", "Gambia"),
    ("GN", "Guinea"), ("GP", "Guadeloupe"), ("GQ", "Equatorial Guinea"), ("GR", "Greece"),
    ("GS", "South Georgia and the South Sandwich Islands"), ("GT", "Guatemala"), ("GU", "Guam"), ("GW", "Guinea-Bissau"),
    ("GY", "Guyana"), ("HK", "Hong Kong"), ("HM", "Heard Island and McDonald Islands"), ("HN", "Honduras"), ("HR", "Croatia"),
    ("HT", "Haiti"), ("HU", "Hungary"), ("ID", "Indonesia"), ("IE", "Ireland"), ("IL", "Israel"), ("IM", "Isle of Man"),
    ("IN", "India"), ("IO", "British Indian Ocean Territory"), ("IQ", "Iraq"), ("IR", "Iran"), ("IS", "Iceland"), ("IT", "Italy"),
    ("JE", "Jersey"), ("JM", "Jamaica"), ("JO", "Jordan"), ("JP", "Japan"), ("KE", "Kenya"), ("KG", "Kyrgyzstan"),
    ("KH", "Cambodia"), ("KI", "Kiribati"), ("KM", "Comoros"), ("KN", "Saint Kitts and Nevis"), ("KP", "North Korea"),
    ("KR", "South Korea"), ("KW", "Kuwait"), ("KY", "Cayman Islands"), ("KZ", "Kazakhstan"), ("LA", "Laos"), ("LB", "Lebanon"),
    ("LC", "Saint Lucia"), ("LI", "Liechtenstein"), ("LK", "Sri Lanka"), ("LR", "Liberia"), ("LS", "Lesotho"), ("LT", "Lithuania"),
    ("LU", "Luxembourg"), ("LV", "Latvia"), ("LY", "Libya"), ("MA", "Morocco"), ("MC", "Monaco"), ("MD", "Moldova"),
    ("ME", "Montenegro"), ("MF", "Saint Martin"), ("MG", "Madagascar"), ("MH", "Marshall Islands"), ("MK", "North Macedonia"),
    ("ML", "Mali"), ("MM", "Myanmar"), ("MN", "Mongolia"), ("MO", "Macao"), ("MP", "Northern Mariana Islands"),
    ("MQ", "Martinique"), ("MR", "Mauritania"), ("MS", "Montserrat"), ("MT", "Malta"), ("MU", "Mauritius"), ("MV", "Maldives"),
    ("MW", "Malawi"), ("MX", "Mexico"), ("MY", "Malaysia"), ("MZ", "Mozambique"), ("NA", "Namibia"), ("NC", "New Caledonia"),
    ("NE", "Niger"), ("NF", "Norfolk Island"), ("NG", "Nigeria"), ("NI", "Nicaragua"), ("NL", "Netherlands"), ("NO", "Norway"),
    ("NP", "Nepal"), ("NR", "Nauru"), ("NU", "Niue"), ("NZ", "New Zealand"), ("OM", "Oman"), ("PA", "Panama"), ("PE", "Peru"),
    ("PF", "French Polynesia"), ("PG", "Papua New Guinea"), ("PH", "Philippines"), ("PK", "Pakistan"), ("PL", "Poland"),
    ("PM", "Saint Pierre and Miquelon"), ("PN", "Pitcairn"), ("PR", "Puerto Rico"), ("PS", "Palestine"), ("PT", "Portugal"),
    ("PW", "Palau"), ("PY", "Paraguay"), ("QA", "Qatar"), ("RE", "Réunion"), ("RO", "Romania"), ("RS", "Serbia"), ("RU", "Russia"),
    ("RW", "Rwanda"), ("SA", "Saudi Arabia"), ("SB", "Solomon Islands"), ("SC", "Seychelles"), ("SD", "Sudan"), ("SE", "Sweden"),
    ("SG", "Singapore"), ("SH", "Saint Helena"), ("SI", "Slovenia"), ("SJ", "Svalbard and Jan Mayen"), ("SK", "Slovakia"),
    ("SL", "Sierra Leone"), ("SM", "San Marino"), ("SN", "Senegal"), ("SO", "Somalia"), ("SR", "Suriname"), ("SS", "South Sudan"),
    ("ST", "São Tomé and Príncipe"), ("SV", "El Salvador"), ("SX", "Sint Maarten"), ("SY", "Syria"), ("SZ", "Eswatini"),
    ("TC", "Turks and Caicos Islands"), ("TD", "Chad"), ("TF", "French Southern Territories"), ("TG", "Togo"), ("TH", "Thailand"),
    ("TJ", "Tajikistan"), ("TK", "Tokelau"), ("TL", "Timor-Leste"), ("TM", "Turkmenistan"), ("TN", "Tunisia"), ("TO", "Tonga"),
    ("TR", "Türkiye"), ("TT", "Trinidad and Tobago"), ("TV", "Tuvalu"), ("TW", "Taiwan"), ("TZ", "Tanzania"), ("UA", "Ukraine"),
    ("UG", "Uganda"), ("UM", "United States Minor Outlying Islands"), ("US", "United States"), ("UY", "Uruguay"),
    ("UZ", "Uzbekistan"), ("VA", "Vatican City"), ("VC", "Saint Vincent and the Grenadines"), ("VE", "Venezuela"),
    ("VG", "British Virgin Islands"), ("VI", "U.S. Virgin Islands"), ("VN", "Vietnam"), ("VU", "Vanuatu"),
    ("WF", "Wallis and Futuna"), ("WS", "Samoa"), ("XK", "Kosovo"), ("YE", "Yemen"), ("YT", "Mayotte"), ("ZA", "South Africa"),
    ("ZM", "Zambia"), ("ZW", "Zimbabwe"),
];

/// Italian, Danish, German, French and own names, alpha-3 codes, and older English names.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("AE", "UAE|Emirati Arabi Uniti|Forenede Arabiske Emirater|Vereinigte Arabische Emirate|ARE"),
    ("AT", "Østrig|Österreich|Autriche|AUT"),
    ("AU", "AUS|Australien|Australie"),
    ("BE", "Belgio|Belgien|België|Belgique|BEL"),
    ("BG", "Bulgarien|Bulgarie|BGR"),
    ("BA", "Bosnia|Bosnien|Bosnia Erzegovina|Bosnien-Hercegovina"),
    ("BR", "Brasile|Brasilien|Brasil|BRA"),
    ("BY", "Bielorussia|Hviderusland"),
    ("CA", "CAN|Kanada"),
    ("CD", "DR Congo|Congo-Kinshasa"),
    ("CH", "Svizzera|Schweiz|Suisse|CHE"),
    ("CI", "Côte d'Ivoire|Costa d'Avorio|Elfenbenskysten"),
    ("CL", "Cile|CHL"),
    ("CN", "Cina|Kina|Chine|CHN|PRC"),
    ("CV", "Cabo Verde|Capo Verde"),
    ("CY", "Cipro|Cypern|Zypern|CYP"),
    ("CZ", "Czech Republic|Repubblica Ceca|Cechia|Tjekkiet|Tschechien|Česko|CZE"),
    ("DE", "Germania|Tyskland|Deutschland|Allemagne|DEU"),
    ("DK", "Danimarca|Danmark|Dänemark|Danemark|DNK"),
    ("EE", "Estland|Estonie|Eesti|EST"),
    ("EG", "Egitto|Egypten|Ägypten"),
    ("ES", "Spagna|Spanien|España|Espagne|ESP"),
    ("FI", "Finlandia|Suomi|Finlande|FIN"),
    ("FO", "Færøerne|Isole Faroe|Føroyar"),
    ("FR", "Francia|Frankrig|Frankreich|FRA"),
    (
        "GB",
        "Great Britain|England|Scotland|Wales|Northern Ireland|Regno Unito|Gran Bretagna|Storbritannien|Inghilterra|\
         Vereinigtes Königreich|Großbritannien|Royaume-Uni|GBR",
    ),
    ("GL", "Grønland|Groenlandia"),
    ("GR", "Grecia|Grækenland|Griechenland|Grèce|Hellas|GRC"),
    ("HR", "Croazia|Kroatien|Croatie|Hrvatska|HRV"),
    ("HU", "Ungheria|Ungarn|Hongrie|Magyarország|HUN"),
    ("IE", "Irlanda|Irland|Éire|Irlande|IRL|Republic of Ireland"),
    ("IL", "Israele|ISR"),
    ("IN", "Indien|Inde|IND"),
    ("IS", "Islanda|Island|Ísland|Islande|ISL"),
    ("IT", "Italia|Italien|Italie|ITA"),
    ("JP", "Giappone|Japon|JPN"),
    ("KP", "Corea del Nord|Nordkorea"),
    ("KR", "Korea|Republic of Korea|Corea del Sud|Sydkorea|Südkorea|Corée du Sud|KOR"),
    ("LI", "LIE"),
    ("LT", "Lituania|Litauen|Lituanie|Lietuva|LTU"),
    ("LU", "Lussemburgo|Luxemburg|LUX"),
    ("LV", "Lettonia|Letland|Lettland|Lettonie|Latvija|LVA"),
    ("MA", "Marocco|Marokko|Maroc"),
    ("MC", "Principato di Monaco"),
    ("MK", "Macedonia|Macedonia del Nord|Nordmakedonien"),
    ("MM", "Burma|Birmania"),
    ("MX", "Messico|Mexiko|México|Mexique|MEX"),
    ("NL", "Holland|Paesi Bassi|Olanda|Nederland|Nederlandene|Niederlande|Pays-Bas|NLD"),
    ("NO", "Norvegia|Norge|Norwegen|Norvège|Noreg|NOR"),
    ("NZ", "Nuova Zelanda|Neuseeland|NZL"),
    ("PH", "Filippine|Filippinerne"),
    ("PL", "Polonia|Polen|Polska|Pologne|POL"),
    ("PT", "Portogallo|PRT"),
    ("RO", "Rumænien|Rumänien|România|Roumanie|ROU"),
    ("RS", "Serbien|Serbie|Srbija|SRB"),
    ("RU", "Russian Federation|Rusland|Russland|Russie|RUS"),
    ("SA", "Arabia Saudita|Saudi-Arabien|Saudiarabien"),
    ("SE", "Svezia|Sverige|Schweden|Suède|SWE"),
    ("SI", "Slovenien|Slowenien|Slovenija|SVN"),
    ("SK", "Slovacchia|Slovakiet|Slowakei|Slovensko|SVK"),
    ("SY", "Siria|Syrien"),
    ("TH", "Tailandia|Thailandia"),
    ("TR", "Turkey|Turchia|Tyrkiet|Türkei|Turquie|TUR"),
    ("UA", "Ucraina|Ukraina|UKR"),
    (
        "US",
        "USA|U.S.A.|U.S.|United States of America|America|Stati Uniti|Stati Uniti d'America|De Forenede Stater|\
         Vereinigte Staaten|États-Unis|Estados Unidos",
    ),
    ("VA", "Holy See|Città del Vaticano|Vatikanstaten|Vatican"),
    ("VN", "Viet Nam"),
    ("ZA", "Sudafrica|Sydafrika|Südafrika|ZAF"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_found_by_code_and_by_name_in_several_languages() {
        for (text, code) in [
            ("dk", "DK"), ("UK", "GB"), ("Denmark", "DK"), ("Danimarca", "DK"), ("danmark", "DK"), ("ITALIA", "IT"), ("Tyskland", "DE"),
            ("U.S.A.", "US"), ("The Netherlands", "NL"), ("Bosnia & Herzegovina", "BA"), ("Österreich", "AT"), ("ITA", "IT"),
        ] {
            let text = text.replace('&', "and");
            assert_eq!(find(&text), Some(code), "{text}");
        }
        assert_eq!(find("Atlantis"), None);
        assert_eq!(find("ZZ"), None);
        assert_eq!(name("IT"), Some("Italy"));
    }
}
