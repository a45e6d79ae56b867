"""One HTTP call with a deadline. A call without a usable response raises Unanswered."""

import http.client
import json
import urllib.parse

TIMEOUT_S = 4


class Unanswered(Exception):
    """The connection failed or the response is not complete: the call may have taken effect."""


def call(method, url, body=None, headers=None, form=None, timeout_s=TIMEOUT_S):
    """Returns the status and the JSON body, {} if there is none. No proxy of the environment is used."""
    parts = urllib.parse.urlsplit(url)
    headers = dict(headers or {})
    data = None
    if form is not None:
        data = urllib.parse.urlencode(form)
        headers["content-type"] = "application/x-www-form-urlencoded"
    elif body is not None:
        data = json.dumps(body)
        headers["content-type"] = "application/json"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    try:
        path = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"{method} {url}: {error!r}") from error
    finally:
        connection.close()
