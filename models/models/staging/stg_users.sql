select
{%- if var('entities') == 'pulled' %}
    {{ entity_id('user_id', 'user') }} as user_id,
{%- else %}
    {{ entity_id('id', 'user') }} as user_id,
{%- endif %}
    cast(age as integer) as age,
    status,
    country,
    cast(created_at as timestamp) as created_at
from {% if var('entities') == 'pulled' %}{{ newest_run('users') }}{% else %}{{ source('files', 'users') }}{% endif %}
