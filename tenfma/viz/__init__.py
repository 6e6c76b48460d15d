"""Figures and 3D scenes as plain data; nothing here knows Streamlit."""
