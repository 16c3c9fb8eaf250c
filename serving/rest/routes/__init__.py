"""The routes of the service, a module for each resource; `serving.rest.http_api` puts them together."""
