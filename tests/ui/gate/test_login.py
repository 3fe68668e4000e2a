"""The login: right and wrong passwords, limited attempts, and a logout that ends one login."""

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.support.clock import Clock
from ui.gate.login import MAX_FAILURES, Logins, login_page

PAGE = {"accept": "text/html"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def logins(clock):
    logins = Logins("open sesame", clock)
    logins.cookies = ("secured", "plain")
    return logins


@pytest.fixture
def new_browser(logins):
    routes = [Route("/login", logins.log_in, methods=["POST"]), Route("/logout", logins.log_out, methods=["POST"])]
    return lambda: TestClient(Starlette(routes=routes), base_url="https://lab.example", follow_redirects=False)


def log_in(browser, password="open sesame", name="class", **headers):
    return browser.post("/login", data={"username": name, "password": password}, headers=headers)


def test_the_right_password_lets_in_for_some_hours(logins, new_browser, clock):
    browser = new_browser()
    assert not logins.may_enter({}) and not logins.may_enter({"plain": ""})
    assert log_in(browser).json() == {"success": True}
    assert logins.may_enter(browser.cookies) and logins.may_enter({"plain": browser.cookies["plain"]})
    clock.now += 13 * 3600
    assert not logins.may_enter(browser.cookies)


@pytest.mark.parametrize("path", ["/", "/class", "/class/CDF234", "/class/CDF234/teach"])
def test_who_asked_for_a_page_gets_it_after_the_login(new_browser, path):
    asks = login_page(path=path).body.decode()
    assert f'action="{"../" * (path.count("/") - 1)}login"' in asks and f'name="path" value="{path}"' in asks
    form = {"username": "class", "password": "open sesame", "path": path}
    assert new_browser().post("/login", data=form, headers=PAGE).headers["location"] == f".{path}"
    again = new_browser().post("/login", data={**form, "password": "guess"}, headers=PAGE).text
    assert 'action="login"' in again and f'value="{path}"' in again


@pytest.mark.parametrize("path", ["//evil.example", "/class/../x", "/class/CDF234/move", "/classroom", "x"])
def test_a_login_leads_to_pages_of_the_lab_only(new_browser, path):
    form = {"username": "class", "password": "open sesame", "path": path}
    assert new_browser().post("/login", data=form, headers=PAGE).headers["location"] == "./"


def test_the_cookies_cannot_be_read_by_scripts_nor_sent_by_other_sites_without_tls(new_browser):
    secured, plain = log_in(new_browser()).headers.get_list("set-cookie")
    assert "HttpOnly" in secured and "Secure" in secured and "HttpOnly" in plain and "SameSite=lax" in plain


@pytest.mark.parametrize(("name", "password"), [("class", "guess"), ("root", "open sesame"), ("", ""), ("klässe", "ö")])
def test_the_answer_does_not_tell_which_part_was_wrong(logins, new_browser, name, password):
    browser = new_browser()
    answer = log_in(browser, password, name)
    assert answer.status_code == 400 and answer.json() == log_in(browser, "x", "y").json()
    assert not browser.cookies


def test_a_browser_gets_pages(new_browser):
    browser = new_browser()
    again = log_in(browser, "guess", **PAGE)
    assert again.status_code == 400 and "not right" in again.text and "<form" in again.text
    done = log_in(browser, **PAGE)
    assert done.status_code == 303 and done.headers["location"] == "./"
    assert "not right" not in login_page().body.decode()


def test_attempts_are_limited_for_a_while(new_browser, clock):
    browser = new_browser()
    answers = [log_in(browser, "guess").status_code for _ in range(MAX_FAILURES + 1)]
    assert answers == [400] * MAX_FAILURES + [429]
    assert log_in(browser).status_code == 429
    clock.now += 601
    assert log_in(browser).status_code == 200


def test_a_logout_ends_the_login_of_one_browser(logins, new_browser):
    mine, theirs = new_browser(), new_browser()
    for browser in (mine, theirs):
        log_in(browser)
    cookies = dict(mine.cookies)
    assert mine.post("/logout").status_code == 200
    assert not logins.may_enter(cookies) and logins.may_enter(theirs.cookies)


def test_without_a_password_everybody_enters_and_nobody_logs_in(new_browser):
    logins = Logins("")
    assert logins.may_enter({}) and not logins.needed
    routes = [Route("/login", logins.log_in, methods=["POST"])]
    assert log_in(TestClient(Starlette(routes=routes)), "").status_code == 400


def test_a_shared_link_holds_over_the_login(new_browser):
    browser, query = new_browser(), 'tab=search&q=a+"quoted"+<question>%0d%0a'
    assert 'value="tab=search&amp;q=a+&#34;quoted&#34;+&lt;question&gt;%0d%0a"' in login_page(query=query).body.decode()
    form = {"username": "class", "query": query}
    again = browser.post("/login", data=form | {"password": "guess"}, headers=PAGE)
    assert "&lt;question&gt;" in again.text
    done = browser.post("/login", data=form | {"password": "open sesame"}, headers=PAGE)
    assert done.headers["location"].startswith("./?tab=search&q=a+") and "\n" not in done.headers["location"]
