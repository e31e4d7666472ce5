"""From a template's source to the bytes of a mail: tokenise, splice, sanitise, inline, encode."""
