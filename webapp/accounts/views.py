"""Pages about the dealership, its people and oneself."""

from contextlib import closing

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_security import current_user, login_user
from sqlalchemy import func, select

from pipeline.errors import PipelineError
from webapp.accounts import invitations, logo
from webapp.accounts.access import role_required, staff_required
from webapp.accounts.forms import ROLES, DealershipForm, InviteForm, MeForm, NewPasswordForm, PasswordForm
from webapp.accounts.models import RoleName, User
from webapp.accounts.people import add_person
from webapp.database import session
from webapp.guards import limiter

blueprint = Blueprint("accounts", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The staff's work begins with the list of interventions."""
    return redirect("/interventions")


@blueprint.route("/dealership", methods=["GET", "POST"])
@role_required(RoleName.MANAGER)
def dealership() -> ResponseReturnValue:
    """What customers see of the dealership, and who works here."""
    form = DealershipForm(obj=g.dealership)
    if form.validate_on_submit() and _logo_kept(form):
        for name in ("name", "colour", "phone", "email", "address"):
            setattr(g.dealership, name, getattr(form, name).data or None)
        session.commit()
        return redirect(url_for("accounts.dealership", saved=1))
    return _page(form, InviteForm(language=current_user.language, formdata=None)), 422 if form.errors else 200


@blueprint.post("/dealership/people")
@role_required(RoleName.MANAGER)
def invite() -> ResponseReturnValue:
    """A new person, and the link by which they choose a password."""
    form = InviteForm()
    if form.validate_on_submit():
        if session.scalar(select(User.id).where(func.lower(User.email) == form.email.data)):
            form.email.errors = [gettext("This address already has an account.")]
        else:
            user = add_person(
                g.dealership, form.name.data, form.email.data, None, RoleName(form.role.data), form.language.data
            )
            session.commit()
            return _page(DealershipForm(obj=g.dealership, formdata=None), None, user)
    return _page(DealershipForm(obj=g.dealership, formdata=None), form), 422


@blueprint.post("/dealership/people/<int(max=2147483647):user_id>/<any(invite, stop, start):what>")
@role_required(RoleName.MANAGER)
def change_person(user_id: int, what: str) -> ResponseReturnValue:
    """Give a person a new link, or take away or give back their access."""
    user = session.get(User, user_id)
    if user is None or user.dealership_id != g.dealership.id:
        abort(404)
    if what == "invite":
        return _page(DealershipForm(obj=g.dealership, formdata=None), None, user)
    if user.id == current_user.id:
        abort(403)  # a dealership never loses its last manager by a slip
    user.active = what == "start"
    session.commit()
    return redirect(url_for("accounts.dealership", _anchor="people"))


@blueprint.route("/me", methods=["GET", "POST"])
@limiter.limit("20/minute", methods=["POST"])
@staff_required
def me() -> ResponseReturnValue:
    """One's own language and password."""
    form, password = MeForm(obj=current_user), NewPasswordForm()
    if request.form.get("what") == "password":
        if password.validate_on_submit():
            invitations.set_password(current_user, password.password.data)
            session.commit()
            login_user(current_user._get_current_object())
            return redirect(url_for("accounts.me", saved=1))
    elif form.validate_on_submit():
        current_user.language = form.language.data
        session.commit()
        return redirect(url_for("accounts.me", saved=1))
    return render_template("accounts/me.html", form=form, password=password), 422 if password.errors else 200


@blueprint.route("/join/<token>", methods=["GET", "POST"])
@limiter.limit("30/minute")
def join(token: str) -> ResponseReturnValue:
    """Choose a password; then sign in with it."""
    user = invitations.find(token)
    if user is None:
        abort(404)
    g.language = user.language
    form = PasswordForm()
    if form.validate_on_submit():
        invitations.set_password(user, form.password.data)
        session.commit()
        return redirect("/login")
    return render_template("accounts/join.html", form=form, user=user), 422 if form.errors else 200


def _logo_kept(form: DealershipForm) -> bool:
    if not form.logo.data:
        return True
    with closing(form.logo.data) as file:
        given = file.read(logo.LIMIT + 1)
    dealership_id = g.dealership.id
    session.rollback()  # nothing is written yet; the rows are read again where they are asked for next
    try:
        g.dealership.logo_key = logo.keep(dealership_id, given)
    except (logo.NoLogo, PipelineError):
        form.logo.errors = [gettext("Choose a PNG of at most 1 MB.")]
        return False
    return True


def _page(form: DealershipForm, invite: InviteForm | None, fresh: User | None = None) -> str:
    people = session.scalars(select(User).where(User.dealership_id == g.dealership.id).order_by(User.name)).all()
    return render_template(
        "accounts/dealership.html",
        form=form,
        invite=invite or InviteForm(language=current_user.language, formdata=None),
        people=people,
        roles=ROLES,
        fresh=fresh,
        link=invitations.url(fresh) if fresh else None,
    )
