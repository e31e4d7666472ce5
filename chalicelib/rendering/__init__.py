"""From HQ's source to the bytes that are sent. What others call stands in these modules:

- ``source.compile_source(source) -> Compiled`` reads an uploaded template; ``Refused`` carries all problems with lines.
  ``Compiled.version(...)`` makes the immutable ``TemplateVersion`` of it.
- ``mail.render(version, values=..., subject=..., preheader=..., entity=...) -> Rendered`` renders and encodes a mail
  for good; ``mail.preview(...)`` renders what is there, leniently; ``examine.examine(version, rendered, entity)`` runs
  the compliance rules and returns findings.
- ``dead.dead(html) -> str`` is a mail's body for embedding in the reviewer's mail: no live link, no style block.
- ``placeholders.data_for(content, profile, unsubscribe_url)`` is one recipient's replacement data;
  ``placeholders.expand(content, data)`` puts it in as SES does, for previews and test mails.

Nothing here reads a template by parsing and writing it again: a tokeniser with byte spans finds
the places, and values are put in by position. Importing these modules loads neither premailer
nor lxml, tinycss2, nh3 or jinja2; they are imported where they are used.
"""
