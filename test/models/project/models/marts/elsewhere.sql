{{ config(schema='reports', alias='Elsewhere spaced') }}
select * from {{ ref('features', 'countries') }}
