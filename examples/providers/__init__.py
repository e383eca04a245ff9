"""Providers of one's own, as docs/guides/add-a-provider.md builds them."""
