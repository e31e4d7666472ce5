"""The sentences for customers, their import and unsubscribing.

Sentences about a row quote none of its cells: they are stored beside the row and shown to members
who may not see customers.
"""

MESSAGES: dict[str, str] = {
    "cell.control": "A cell has a line break or another invisible character. Delete it and type the text anew.",
    "cell.too_long": "A cell has {length} characters; {limit} are allowed. Shorten it.",
    "consent.basis_missing": "The legal basis is missing. Write double_opt_in, proven_opt_in, existing_customer, "
                             "us_opt_out or safety_only.",
    "consent.basis_unknown": "This legal basis is not known. Write double_opt_in, proven_opt_in, existing_customer, "
                             "us_opt_out or safety_only.",
    "consent.date_future": "The date of the consent lies in the future. Write the day on which it was given.",
    "consent.date_missing": "The date of the consent is missing. Write it like 2026-05-31.",
    "consent.date_old": "The date of the consent lies before 1990. Check the year.",
    "consent.date_unreadable": "The date of the consent cannot be read. Write it like 2026-05-31, "
                               "2026-05-31T10:00 or 31.05.2026.",
    "consent.source_missing": "It is missing where the consent was given. Write for example: web form, or trade fair.",
    "import.basis": "Choose the legal basis on which most customers in this file may be mailed.",
    "import.binary": "This is not a text file (at byte {position}). Save the table as “CSV UTF-8” and upload that.",
    "import.changed": "This import went on a moment ago. Reload the page to see how far it is.",
    "import.column_name": "Column {position} is called “{value}”, which cannot be used as a field's name. "
                          "Use letters a to z, digits and underscores, or delete the column.",
    "import.columns_misspelt": "The file has no column {columns}. Did you mean {found}? Rename it in the first row.",
    "import.columns_missing": "The file has no column {columns}. Add it to the first row and fill it in every row.",
    "import.columns_twice": "The column {columns} is there twice. Delete or rename one of them.",
    "import.empty": "The file is empty. Upload a file with a header and one row for each customer.",
    "import.file_changed": "Another file was uploaded in place of this one while it was being read. "
                           "Start a new import with the right file; what was added before stays.",
    "import.file_name": "Upload a file whose name ends in .csv. In a spreadsheet program choose “CSV UTF-8”.",
    "import.line_too_long": "Line {line} is too long to be a row of customers. Check that this is the right file.",
    "import.no_header": "The first row has an address in it. Put a row with the column names above it: {columns}.",
    "import.not_attested": "Confirm that these people agreed to be mailed, or that the law allows it.",
    "import.not_utf8": "Line {line} is not written in UTF-8 (byte {position}). Save the table as “CSV UTF-8”.",
    "import.only_header": "The file has a header but no customers. Add one row for each customer.",
    "import.quotes": "The quotation marks in or before row {row} do not match, so the rows behind it cannot be told "
                     "apart. Save the table as “CSV UTF-8” anew, or correct that row.",
    "import.source_missing": "Say where these customers gave their consent.",
    "import.too_big": "The file is larger than {megabytes} MB. Split it into several files.",
    "import.too_many_columns": "The file has {found} columns; {limit} are allowed. Delete those that no mail needs.",
    "import.too_many_rows": "The file has more than {rows} rows. Split it into several files.",
    "import.utf16": "The file is written in UTF-16 (“Unicode text”). Save the table as “CSV UTF-8” instead.",
    "import.wording_missing": "Copy in the sentence that these customers agreed to.",
    "import.workbook": "This is an Excel workbook. Save the table as “CSV UTF-8” and upload that.",
    "row.address_local_part": "The part before the @ has letters that no mail server takes (like ü or é). "
                              "Ask the customer for an address in plain letters.",
    "row.address_malformed": "This is not an e-mail address. Write it like name@example.com, without spaces.",
    "row.address_missing": "The e-mail address is missing. Fill it in, or delete the row.",
    "row.address_too_long": "This e-mail address is too long: at most 254 characters, 64 of them before the @.",
    "row.duplicate": "The same address stands in row {first}; that one was taken. Delete one of the two.",
    "row.ragged": "The row has {found} cells, but the header has {expected}. Check for a missing or extra separator.",
    "status.unknown": "The status is not known. Write subscribed or unsubscribed, or leave it empty.",
    "text.control": "The text has invisible characters. Delete it and type it anew.",
}

CONDITIONS = {
    "waiting": "Waiting for the file", "suppressing": "Recording unsubscribes", "running": "Adding customers",
    "done": "Done", "refused": "Refused",
}
"""What a page calls the states of an import."""

REASONS = {
    "unsubscribed": "unsubscribed", "bounced": "address does not work", "complained": "marked a mail as spam",
    "imported": "unsubscribed before the import", "manual": "asked not to be mailed",
    "no_consent": "no legal basis for this market", "frequency": "mailed recently", "gone": "no longer a customer",
}
"""Why somebody is not mailed, for ``SuppressionReason`` and ``Skip``; read as “not mailed, because ...”."""

BASES = {
    "double_opt_in": "double opt-in", "proven_opt_in": "proven opt-in", "existing_customer": "existing customer",
    "us_opt_out": "US opt-out", "safety_only": "safety notices only",
}
"""What a page calls the legal bases."""
