"""Ionic conductivity of dry polymer electrolytes against temperature."""
