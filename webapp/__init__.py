"""The shop: dealers and their people, interventions, uploads and the customer's page. It never opens a media file."""
