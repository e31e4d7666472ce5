"""Translations: whole, in step with the sentences, and right in their form; pages and mails that use them."""
