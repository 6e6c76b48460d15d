"""What the app's pages share: layout, components, caching, language."""
