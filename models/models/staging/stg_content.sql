select
{%- if var('entities') == 'pulled' %}
    {{ entity_id('content_id', 'content') }} as content_id,
{%- else %}
    {{ entity_id('id', 'content') }} as content_id,
{%- endif %}
    media_type,
    prayer_type,
    cast(created_at as timestamp) as created_at
from {% if var('entities') == 'pulled' %}{{ newest_run('content') }}{% else %}{{ source('files', 'content') }}{% endif %}
